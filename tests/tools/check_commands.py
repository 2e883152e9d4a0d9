"""Checks the commands and fragments of every kind of change with the tools that they are for.

CloudFormation fragments are linted with cfn-lint. AWS CLI scripts are run by bash with an `aws` that only records its
arguments, and each call is held against botocore's model of the service: the operation exists, no parameter is unknown or
missing, every value fits its length, pattern and enumeration.

Usage: check_commands.py [DIRECTORY]: the directory that the example `dump_commands` wrote; made anew when it is left out.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import botocore.session
import botocore.validate
import jmespath
import yaml
from botocore import xform_name

ROOT = Path(__file__).resolve().parents[2]
# Options of the AWS CLI itself.
GLOBAL_OPTIONS = {"region", "query", "output"}
# Options without a value.
FLAGS = {"set-as-default"}
PLACEHOLDER = "<fill in: "

RECORDER = """#!{python}
import json, sys
argv = sys.argv[1:]
document = sys.stdin.read() if any(a == "file:///dev/stdin" for a in argv) else None
with open({record!r}, "a") as record:
    record.write(json.dumps({{"argv": argv, "document": document}}) + "\\n")
print("p-lookedup123")
"""


def dump(directory):
    command = ["cargo", "run", "--quiet", "-p", "sesame-diagnosis", "--example", "dump_commands", "--", str(directory)]
    subprocess.run(command, cwd=ROOT, check=True)


def read(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def document_of(properties):
    return next(properties[name] for name in ("PolicyDocument", "Content", "InlinePolicy") if name in properties)


def lint(cases, directory):
    """Every problem that cfn-lint finds in the fragments."""
    files = []
    for case in cases:
        fragment = case["commands"]["cloudFormation"]
        if fragment is not None:
            path = directory / f"{case['name']}.yaml"
            path.write_text(fragment + "\n", encoding="utf-8")
            files.append(str(path))
    command = [sys.executable, "-c", "from cfnlint.runner import main; main()"]
    command += ["--format", "parseable", "--regions", "us-east-1", "--template", *files]
    result = subprocess.run(command, capture_output=True, text=True)
    problems = [line for line in (result.stdout + result.stderr).splitlines() if line.strip()]
    if result.returncode != 0 and not problems:
        problems = [f"cfn-lint ended with status {result.returncode}"]
    return len(files), problems


def read_back(cases):
    """Every fragment in which PyYAML (which cfn-lint and the AWS CLI use) does not read the document that was meant."""
    checked, problems = 0, []
    for case in cases:
        fragment = case["commands"]["cloudFormation"]
        if fragment is None:
            continue
        checked += 1
        resources = yaml.safe_load(fragment)["Resources"]
        (resource,) = resources.values()
        if document_of(resource["Properties"]) != case["after"]:
            problems.append(f"{case['name']}: the document in the fragment is another")
    return checked, problems


def record_calls(script, directory):
    """Runs a script with the recording `aws` and returns its calls."""
    record = directory / "record.jsonl"
    record.unlink(missing_ok=True)
    aws = directory / "aws"
    if not aws.exists():
        aws.write_text(RECORDER.format(python=sys.executable, record=str(record)))
        aws.chmod(0o755)
    result = subprocess.run([shutil.which("bash"), "-c", script], env={"PATH": str(directory)}, capture_output=True, text=True)
    if result.returncode != 0 or result.stderr:
        raise ValueError(f"bash ended with status {result.returncode}: {result.stderr.strip()}")
    return [json.loads(line) for line in record.read_text().splitlines()]


def options_of(argv):
    """The options of a call, as the AWS CLI takes them apart."""
    options, words = {}, iter(argv)
    for word in words:
        if not word.startswith("--"):
            raise ValueError(f"`{word}` is no option")
        name, separator, value = word[2:].partition("=")
        if name in FLAGS:
            options[name] = True
        else:
            options[name] = value if separator else next(words)
    return options


def fits(shape, value, name):
    """Problems of a string with the shape's length, pattern and enumeration; botocore checks the least length only."""
    limits = shape.metadata
    if "max" in limits and len(value) > limits["max"]:
        yield f"`{name}` is longer than {limits['max']}"
    if "enum" in limits and value not in limits["enum"]:
        yield f"`{name}` is none of {limits['enum']}"
    if "pattern" in limits and not value.startswith(PLACEHOLDER):
        if not re.fullmatch(limits["pattern"], value, re.ASCII):
            yield f"`{name}` does not match {limits['pattern']}"


def strings_of(shape, value):
    """Every string in a structure, with its shape."""
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from strings_of(shape.members[name], inner)
        else:
            yield shape.members[name], inner


def check_call(session, call):
    """Every problem of one call with the model of its operation."""
    service, command, *rest = call["argv"]
    model = session.get_service_model(service)
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    if command not in operations:
        return [f"{service} has no operation `{command}`"]
    shape = model.operation_model(operations[command]).input_shape
    members = {xform_name(name, "-"): name for name in shape.members}
    parameters, problems = {}, []
    for option, value in options_of(rest).items():
        if option in GLOBAL_OPTIONS:
            if option == "query":
                jmespath.compile(value)
            if option == "region" and value not in session.get_available_regions(service):
                problems.append(f"`{value}` is no Region of {service}")
            continue
        if option not in members:
            problems.append(f"{service} {command} has no option --{option}")
            continue
        if value == "file:///dev/stdin":
            value = call["document"]
            json.loads(value)
        name = members[option]
        if shape.members[name].type_name == "structure":
            value = json.loads(value)
            problems.extend(
                problem
                for inner, text in strings_of(shape.members[name], value)
                for problem in fits(inner, text, name)
            )
        parameters[name] = value
        if isinstance(value, str):
            problems.extend(fits(shape.members[name], value, name))
    report = botocore.validate.ParamValidator().validate(parameters, shape)
    if report.has_errors():
        problems.append(report.generate_report())
    return problems


def check_scripts(cases, directory):
    """Every problem of the AWS CLI scripts, and which operations they call."""
    session = botocore.session.get_session()
    scripts, operations, problems = 0, set(), []
    for case in cases:
        for way in ("awsCli", "undo"):
            scripts += 1
            try:
                calls = record_calls(case["commands"][way], directory)
                if not calls:
                    problems.append(f"{case['name']} {way}: calls nothing")
                for call in calls:
                    operations.add(" ".join(call["argv"][:2]))
                    problems.extend(f"{case['name']} {way}: {problem}" for problem in check_call(session, call))
            except (ValueError, jmespath.exceptions.ParseError) as error:
                problems.append(f"{case['name']} {way}: {error}")
    return scripts, operations, problems


def main():
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(temporary) / "dump"
        if len(sys.argv) == 1:
            dump(directory)
        plain, hostile = read(directory / "plain.jsonl"), read(directory / "hostile.jsonl")
        fragments = Path(temporary) / "fragments"
        fragments.mkdir()
        linted, problems = lint(plain, fragments)
        compared, more = read_back(plain + hostile)
        problems += more
        bin_directory = Path(temporary) / "bin"
        bin_directory.mkdir()
        scripts, operations, more = check_scripts(plain, bin_directory)
        problems += more
    print(f"cfn-lint: {linted} CloudFormation fragments; PyYAML: {compared}, {len(hostile)} hostile changes among them")
    print(f"botocore: {scripts} AWS CLI scripts, {len(operations)} operations: {', '.join(sorted(operations))}")
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 1
    # Far fewer than there are means that nothing was really looked at.
    if linted < 15 or compared < 300 or scripts < 50 or len(operations) < 20:
        print("fewer fragments, scripts or operations than expected", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
