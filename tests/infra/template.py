"""The template as plain dictionaries, with the short forms of intrinsic functions written out."""

from pathlib import Path

from cfnlint.decode import cfn_yaml

ROOT = Path(__file__).parents[2]
PATH = ROOT / "template.yaml"


def load(path=PATH):
    return _plain(cfn_yaml.load(str(path)))


def _plain(node):
    if isinstance(node, dict):
        plain = {str(key): _plain(value) for key, value in node.items()}
        if list(plain) == ["Fn::GetAtt"] and isinstance(plain["Fn::GetAtt"], str):
            plain["Fn::GetAtt"] = plain["Fn::GetAtt"].split(".", 1)
        return plain
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return str(node) if isinstance(node, str) else node
