"""Which AWS operations each function's code can call, read from the sources.

A function names types of `sesame_aws`; each stands in a module of `shared/aws`, and that may use others. The operations of all
of these are the function's.
"""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "shared/aws/src"
# Clients as the code names them, and the prefix of their actions.
CLIENTS = {
    "dynamodb": "dynamodb",
    "iam": "iam",
    "kms": "kms",
    "organizations": "organizations",
    "secrets_manager": "secretsmanager",
    "ses": "ses",
    "sns": "sns",
    "sqs": "sqs",
    "sts": "sts",
}
# What shared/lambda calls for a function that names this type of it.
THROUGH_LAMBDA = {"LinkEnvironment": "secret"}
# One module, two sides: who signs never verifies, who keeps findings need not list them.
NOT_CALLED = {
    "diagnose": {"dynamodb:Query", "dynamodb:Scan", "kms:GenerateMac", "kms:VerifyMac"},
    "apply": {"dynamodb:Query", "dynamodb:Scan", "kms:GenerateMac"},
    "approve": {"kms:VerifyMac"},
    "sweep": {"kms:GenerateMac", "kms:VerifyMac"},
}


def functions():
    return sorted(path.parent.name for path in (ROOT / "functions").glob("*/Cargo.toml"))


def called(function):
    """The actions that a function's code can call."""
    actions = set()
    for module in modules(function):
        for source in files(module):
            actions |= operations(source.read_text())
    return actions - NOT_CALLED[function]


def modules(function):
    """The modules of shared/aws that a function uses, and those that they use."""
    text = "".join(path.read_text() for path in (ROOT / "functions" / function / "src").rglob("*.rs"))
    wanted = {exports()[name] for name in names_after(text, "sesame_aws") if name in exports()}
    wanted |= {THROUGH_LAMBDA[name] for name in names_after(text, "sesame_lambda") if name in THROUGH_LAMBDA}
    done = set()
    while wanted - done:
        module = (wanted - done).pop()
        done.add(module)
        for source in files(module):
            code = source.read_text()
            used = {exports()[name] for name in names_after(code, "crate") if name in exports()}
            used |= set(re.findall(r"\bcrate::([a-z_]+)::", code))
            wanted |= {module for module in used if files(module)}
    return done


def exports():
    """Which module each public type stands in, from lib.rs."""
    found = {}
    for module, names in re.findall(r"^pub use (\w+)::(?:\{([^}]*)\}|\w+);", (SOURCES / "lib.rs").read_text(), re.M):
        for name in names.split(","):
            found[name.strip()] = module
    for module, name in re.findall(r"^pub use (\w+)::(\w+);", (SOURCES / "lib.rs").read_text(), re.M):
        found[name] = module
    return found


def names_after(text, crate):
    names = set()
    for group in re.findall(r"\b%s::\{([^}]*)\}" % crate, text):
        names.update(name.strip() for name in group.split(","))
    names.update(re.findall(r"\b%s::([A-Za-z_]\w*)" % crate, text))
    return names


def files(module):
    single = SOURCES / f"{module}.rs"
    return [single] if single.exists() else sorted((SOURCES / module).rglob("*.rs"))


def operations(text):
    """Actions of every `client.some_operation()`."""
    call = re.compile(r"\b(%s)\s*\.\s*([a-z_]+)\(\)" % "|".join(CLIENTS))
    text = re.sub(r"\n\s*", "", text)
    return {
        f"{CLIENTS[client]}:{''.join(word.capitalize() for word in operation.split('_'))}"
        for client, operation in call.findall(text)
    }
