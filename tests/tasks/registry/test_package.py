"""What the package's docstring says of its modules."""

import re
import subprocess
import sys

import tasks.registry


def test_every_module_has_its_line(root):
    listed = re.findall(r"^(\w+) {2,}\S", tasks.registry.__doc__, re.MULTILINE)
    there = {path.stem for path in (root / "tasks/registry").glob("*.py")} - {"__init__"}
    assert sorted(listed) == sorted(there)


def test_what_tasks_import_at_their_top_needs_no_mlflow(root):
    program = "import sys; from tasks.registry import asking, records; assert 'mlflow' not in sys.modules"
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=root, check=True)
    tops = {name for path in (root / "tasks").glob("*.py") for name in _imported_at_the_top(path.read_text())}
    assert tops <= {"asking", "records"}


def _imported_at_the_top(text: str) -> set[str]:
    direct = re.findall(r"^from tasks\.registry import (.+)$", text, re.MULTILINE)
    return {name for names in direct for name in names.split(", ")} | set(
        re.findall(r"^from tasks\.registry\.(\w+) import", text, re.MULTILINE)
    )
