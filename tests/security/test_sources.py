"""No line of the product runs code that came with data; every kind of such a line is found when it is planted."""

import ast

import pytest

from tests.support.sources import find_dangers

PRODUCT = ("hierforecast", "expectations", "tasks", "flows", "dashboard", "deployments", "benchmarks")
OUR_LOADERS = frozenset({"_Loader"})  # of hierforecast/settings.py


def modules(root):
    return [path for package in PRODUCT for path in sorted((root / package).rglob("*.py"))]


def test_the_product_runs_nothing_that_came_with_data(root):
    found = {str(path.relative_to(root)): find_dangers(path.read_text(), safe_loaders=OUR_LOADERS) for path in modules(root)}
    assert len(found) > 100
    assert {path: dangers for path, dangers in found.items() if dangers} == {}


def test_our_yaml_loader_is_a_safe_one():
    import yaml

    from hierforecast import settings

    assert issubclass(settings._Loader, yaml.SafeLoader)
    assert not issubclass(settings._Loader, yaml.Loader | yaml.UnsafeLoader | yaml.FullLoader)
    kinds = {kind for kind in settings._Loader.yaml_constructors if kind and "python" in kind}
    assert kinds == set()


def test_every_flow_leaves_json_in_prefects_storage(root):
    """Also one that failed: Prefect keeps its exception, pickled unless told otherwise."""
    flows = []
    for path in sorted((root / "flows").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            for mark in getattr(node, "decorator_list", []):
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "flow":
                    given = {keyword.arg: ast.unparse(keyword.value) for keyword in mark.keywords}
                    flows.append(given.get("name"))
                    assert given.get("result_serializer") == "'json'", path
    assert len(flows) >= 9


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "import pickle as p",
        "from pickle import loads",
        "import cloudpickle, dill",
        "from joblib import load",
        "import marshal",
        "import shelve",
        "from torch import load",
        "torch.load(path, weights_only=True)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
        "numpy.load(path, allow_pickle=1)",
        "np.save(path, array, allow_pickle=True)",
        "pd.read_pickle(path)",
        "yaml.load(text)",
        "yaml.load(text, Loader=yaml.Loader)",
        "yaml.load(text, Loader=yaml.FullLoader)",
        "yaml.unsafe_load(text)",
        "from yaml import load",
        "eval(text)",
        "exec(text)",
        "exec(compile(text, 'x', 'exec'))",
        "pd.eval(text)",
        "os.system(command)",
        "subprocess.run(command, shell=True)",
        "subprocess.Popen(command, shell=flag)",
        "__import__(name)",
        "@task(persist_result=True)\ndef work(): ...",
        "@task(persist_result=True, result_serializer='pickle')\ndef work(): ...",
        "@flow(result_serializer='compressed/pickle')\ndef work(): ...",
    ],
)
def test_a_planted_line_is_found(line):
    assert find_dangers(f"def f():\n    pass\n\n{line}\n", safe_loaders=OUR_LOADERS)


@pytest.mark.parametrize(
    "line",
    [
        "np.load(path)",
        "np.load(path, allow_pickle=False)",
        "yaml.safe_load(text)",
        "yaml.load(text, Loader=_Loader)",
        "subprocess.run(command, shell=False)",
        "re.compile(pattern)",
        "frame.eval",
        "net.eval()",
        "__import__('expectations.validation')",
        "@task(persist_result=True, result_serializer='json')\ndef work(): ...",
    ],
)
def test_what_is_harmless_passes(line):
    assert find_dangers(line + "\n", safe_loaders=OUR_LOADERS) == []


def test_no_requirement_names_an_address(root):
    """Packages come from whatever registry the machine is set up for, never from a place that a file here names."""
    import re
    import tomllib

    pinned = (root / "constraints.txt").read_text().splitlines()
    assert len(pinned) > 100
    plain = re.compile(r"[A-Za-z0-9._-]+(\[[a-z0-9,_-]+\])?==[^\s@/]+( ; .+)?|#.*|")
    for line in pinned:
        assert plain.fullmatch(line), line
    assert not plain.fullmatch("torch @ https://example.org/torch.whl")
    assert not plain.fullmatch("--extra torch")
    declared = tomllib.loads((root / "pyproject.toml").read_text())
    project = declared["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values(), *declared["dependency-groups"].values()]
    for requirement in [requirement for group in groups for requirement in group] + declared["build-system"]["requires"]:
        assert "@" not in requirement and "://" not in requirement, requirement
    assert "uv" not in declared.get("tool", {}) or "index" not in declared["tool"]["uv"]


def test_artifacts_are_read_through_their_seals_alone(root):
    """MLflow's own readers check nothing, so each is called where the seal is."""
    readers = ("mlflow.pyfunc.load_model", "mlflow.artifacts.", "load_dict(", "load_table(", ".download_artifacts(")
    reading = {
        str(path.relative_to(root))
        for path in modules(root)
        if path.relative_to(root).parts[0] != "benchmarks" and any(reader in path.read_text() for reader in readers)
    }
    assert reading == {"tasks/registry/sealing.py", "dashboard/registry.py"}
