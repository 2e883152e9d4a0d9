"""Which AWS operations each function's code can call, read from the sources.

A function names types of `sesame_aws`, itself or through types of `sesame_lambda`; each stands in a module of `shared/aws`, and
that may use others. The operations of all of these are the function's.
"""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "shared/aws/src"
LAMBDA = ROOT / "shared/lambda/src"
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
    actions = set().union(*(of_module(module) for module in modules(function)))
    return actions - NOT_CALLED[function]


def of_module(module):
    """The actions of a module of shared/aws by itself."""
    return set().union(*(operations(source.read_text()) for source in files(SOURCES, module)))


def modules(function):
    """The modules of shared/aws that a function uses, and those that they use."""
    text = "".join(path.read_text() for path in (ROOT / "functions" / function / "src").rglob("*.rs"))
    through = closure(LAMBDA, named(LAMBDA, text, "sesame_lambda"))
    text += "".join(source.read_text() for module in through for source in files(LAMBDA, module))
    return closure(SOURCES, named(SOURCES, text, "sesame_aws"))


def closure(folder, wanted):
    """Modules of a crate, and those that they use."""
    done = set()
    while wanted - done:
        module = (wanted - done).pop()
        done.add(module)
        for source in files(folder, module):
            code = source.read_text()
            used = named(folder, code, "crate") | set(re.findall(r"\bcrate::([a-z_]+)::", code))
            wanted |= {module for module in used if files(folder, module)}
    return done


def named(folder, text, crate):
    """The modules in which the types and functions stand that a text takes from a crate."""
    found = exports(folder)
    return {found[name] for name in names_after(text, crate) if name in found}


def exports(folder):
    """Which module each public name stands in, from lib.rs."""
    found = {}
    text = (folder / "lib.rs").read_text()
    for module, names in re.findall(r"^pub use (\w+)::(?:\{([^}]*)\}|\w+);", text, re.M):
        for name in names.split(","):
            found[name.strip()] = module
    for module, name in re.findall(r"^pub use (\w+)::(\w+);", text, re.M):
        found[name] = module
    return found


def names_after(text, crate):
    names = set()
    for group in re.findall(r"\b%s::\{([^}]*)\}" % crate, text):
        names.update(name.strip() for name in group.split(","))
    names.update(re.findall(r"\b%s::([A-Za-z_]\w*)" % crate, text))
    return names


def files(folder, module):
    single = folder / f"{module}.rs"
    return [single] if single.exists() else sorted((folder / module).rglob("*.rs"))


def operations(text):
    """Actions of every `client.some_operation()`."""
    call = re.compile(r"\b(%s)\s*\.\s*(?!clone\()([a-z_]+)\(\)" % "|".join(CLIENTS))
    text = re.sub(r"\n\s*", "", text)
    return {
        f"{CLIENTS[client]}:{''.join(word.capitalize() for word in operation.split('_'))}"
        for client, operation in call.findall(text)
    }
