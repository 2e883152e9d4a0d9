"""Puts binaries that cargo has already built where `sam build` would: quicker, and the same tests run on them.

    python assemble.py FOLDER_OF_BINARIES
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
OUT = ROOT / ".aws-sam/build"


def main(binaries):
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    lines, function, found = [], None, {}
    for line in (ROOT / "template.yaml").read_text().splitlines():
        lines.append(line)
        if resource := re.fullmatch(r"  (\w+):", line):
            function = resource[1]
        if binary := re.search(r"Binary: (\w+)", line):
            found[function] = binary[1]
        if line == "    Properties:" and function in found:
            lines.append(f"      CodeUri: {function}")
    if not found:
        sys.exit("the template has no function with a `Binary`")
    for function, binary in found.items():
        (OUT / function).mkdir()
        # Without its debug information: the tests send it to the emulator and back.
        target = OUT / function / "bootstrap"
        subprocess.run(["strip", "--strip-debug", "-o", target, binaries / binary], check=True)
    (OUT / "template.yaml").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
