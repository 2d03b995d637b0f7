"""Looks through Python source for what runs code that came with data: pickles, unsafe YAML, evaluated text, shells."""

import ast
from collections.abc import Iterator

PICKLING = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "jsonpickle", "pickletools"}
UNPICKLING = {  # functions of others that do it
    "torch.load", "torch.jit.load", "pandas.read_pickle", "pd.read_pickle", "numpy.load", "np.load", "numpy.fromregex",
    "mlflow.sklearn.load_model", "mlflow.pytorch.load_model", "sklearn.externals", "os.system", "os.popen", "os.execl",
    "os.spawnl", "subprocess.getoutput", "subprocess.getstatusoutput", "pty.spawn", "importlib.reload",
}  # fmt: skip
YAML_LOADERS = {f"yaml.{kind}{many}" for kind in ("load", "full_load", "unsafe_load") for many in ("", "_all")}
EVALUATING = {"eval", "exec", "compile", "__import__"}


def find_dangers(source: str, *, safe_loaders: frozenset[str] = frozenset()) -> list[str]:
    """What in a module runs, or may run, code that came with data; each with its line.

    Args:
        source: of the module.
        safe_loaders: names of YAML loaders that make plain values only.
    """
    return [f"line {line}: {what}" for line, what in sorted(_dangers(ast.parse(source), safe_loaders))]


def _dangers(tree: ast.AST, safe_loaders: frozenset[str]) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            names = []
        for name in names:
            if name.split(".")[0] in PICKLING or name in UNPICKLING | YAML_LOADERS:
                yield node.lineno, f"imports {name}"
        if isinstance(node, ast.Call):
            yield from _in_call(node, safe_loaders)


def _in_call(call: ast.Call, safe_loaders: frozenset[str]) -> Iterator[tuple[int, str]]:
    name = ast.unparse(call.func)
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    written_here = name == "__import__" and all(isinstance(argument, ast.Constant) for argument in call.args)
    if name in EVALUATING and not written_here:
        yield call.lineno, f"calls {name}"
    if name in YAML_LOADERS and given.get("Loader") not in safe_loaders:
        yield call.lineno, f"calls {name} with the loader {given.get('Loader')}"
    if name in UNPICKLING and not (name.endswith(("np.load", "numpy.load")) and given.get("allow_pickle", "False") == "False"):
        yield call.lineno, f"calls {name}"
    if name in ("pd.eval", "pandas.eval"):
        yield call.lineno, f"calls {name}"
    if given.get("shell", "False") != "False":
        yield call.lineno, f"{name} with a shell"
    if "result_serializer" in given and given["result_serializer"] not in ("'json'",):
        yield call.lineno, f"{name} keeps results as {given['result_serializer']}"
    if given.get("persist_result") == "True" and "result_serializer" not in given:
        yield call.lineno, f"{name} keeps results by Prefect's own serializer, which pickles"
    if given.get("allow_pickle", "False") != "False":
        yield call.lineno, f"{name} with allow_pickle"
