"""Which glibc a binary needs, and which one Lambda has."""

import re
import subprocess

# provided.al2023 is Amazon Linux 2023: https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html
CEILING = (2, 34)


def needed(binary):
    """The newest version that a dynamic symbol of it names."""
    symbols = subprocess.run(["objdump", "-T", binary], capture_output=True, text=True, check=True).stdout
    return max(map(parse, re.findall(r"GLIBC_(\d+(?:\.\d+)+)", symbols)))


def parse(version):
    return tuple(map(int, version.split(".")))


def text(version):
    return ".".join(map(str, version))
