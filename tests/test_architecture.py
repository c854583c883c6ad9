"""What docs/design.md says about the source as a whole, checked on its syntax trees."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "lmbench"
FILES = sorted(PACKAGE.rglob("*.py"))

# Lowest first. A room imports itself and what is lower; rooms of one floor do not know each other.
FLOORS = [
    {"errors", "wording"},
    {"fields", "threads", "signals", "streams"},
    {"storage", "compiled", "sources"},
    {"text"},
    {"model"},
    {"ngrams", "neural"},
    {"measures", "models"},
    {"bench", "report"},
    {"live"},
    {"commands"},
    {"cli"},
    {"__main__"},
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
# Facts, and which of them belong together, are what goes from bench to report.
DOORS = {("report", "lmbench.bench.results"), ("report", "lmbench.bench.keys")}

HOMES = {
    "gensim": ("neural/embeddings.py", "neural/two_sided.py", "neural/vectors_file.py"),
    "infini_gram": ("models/infini_gram.py",),
    "kiwipiepy": ("text/tokenizers.py",),
    "kiwipiepy_model": ("text/tokenizers.py",),
    "matplotlib": (
        "report/across_figures.py",
        "report/canvas.py",
        "report/curve.py",
        "report/figures.py",
        "report/gates_figures.py",
        "report/gradients_figures.py",
        "report/learning_figures.py",
        "report/sparsity_figures.py",
        "report/unseen_word_figures.py",
        "report/strata_figures.py",
    ),
    "nltk": ("text/",),
    "numba": ("compiled/kernels.py",),
    "pandas": ("report/",),
    "rich": ("live.py",),
    "safetensors": ("bench/store.py", "neural/descent.py"),
    "scipy": ("ngrams/", "models/", "measures/", "report/"),
    "sentencepiece": ("text/pieces.py",),
    "tomli": ("bench/toml_file.py",),
    "torch": ("neural/", "models/"),
}
EVERYWHERE = {"lmbench", "numpy", "tomllib", "typing_extensions", *sys.stdlib_module_names}
LINES = 400


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def room_of(path: Path) -> str:
    """The folder below lmbench/, or the file that stands beside the folders."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imports(tree: ast.AST) -> Iterator[str]:
    """Every imported module or name, dotted, at whatever depth it is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def calls(tree: ast.AST) -> Iterator[str]:
    """What is called, as far as it is spelled out: 'print', 'np.load'."""
    return (ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call))


def at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when the module is imported: everything outside function bodies."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield node
            yield from at_import(node)


@pytest.fixture(params=FILES, ids=name_of)
def path(request):
    return request.param


def test_there_is_source():
    assert len(FILES) > 30


def test_every_room_has_a_floor():
    rooms = {room_of(path) for path in FILES} - {"__init__"}
    assert rooms <= FLOOR.keys(), f"new rooms: place them in FLOORS: {rooms - FLOOR.keys()}"


def test_imports_run_downwards(path):
    room = room_of(path)
    for target in imports(tree_of(path)):
        assert not target.startswith("."), f"relative import of {target}: write it from lmbench"
        if room == "__init__" or not target.startswith("lmbench."):
            continue
        other = target.split(".")[1]
        if other == "__version__" or any(room == here and target.startswith(door) for here, door in DOORS):
            continue
        assert other in FLOOR, f"{target} is no room of lmbench"
        assert other == room or FLOOR[other] < FLOOR[room], f"{room} imports {target}, which is not below it"


def test_models_do_not_import_each_other(path):
    if room_of(path) == "models" and path.name != "__init__.py":
        others = [target for target in imports(tree_of(path)) if target.startswith("lmbench.models")]
        assert not others, f"a kind stands alone; what kinds share belongs to ngrams/ or neural/: {others}"


def test_packages_stay_at_home(path):
    for target in imports(tree_of(path)):
        package = target.split(".")[0]
        if package not in EVERYWHERE:
            homes = HOMES.get(package, ())
            assert any(name_of(path).startswith(home) for home in homes), (
                f"{package} belongs to {homes or 'no file yet'}"
            )


def test_only_the_command_line_prints(path):
    if room_of(path) not in ("cli", "commands"):
        assert not {"print", "sys.stdout.write", "sys.stderr.write"} & set(calls(tree_of(path)))


def test_nothing_read_can_run_code(path):
    tree = tree_of(path)
    unsafe = {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal"}
    assert not unsafe & {target.split(".")[0] for target in imports(tree)}
    assert not {"eval", "exec", "compile", "__import__", "torch.load"} & set(calls(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert isinstance(node.value, ast.Constant)
            assert node.value.value is False


def test_nothing_random_happens_at_import(path):
    for node in at_import(tree_of(path)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert "seed" not in called.split(".")[-1], (
                f"line {node.lineno}: {called} changes the state of whoever imports"
            )
            assert not called.startswith(("np.random", "torch.rand", "random.")), f"line {node.lineno}: {called}"


def test_files_stay_readable(path):
    count = len(path.read_text("utf-8").splitlines())
    assert count <= LINES, f"{count} lines: find the two things it does"


def test_no_drawers():
    vague = {"utils", "util", "helpers", "misc", "common"}
    bad = [name_of(path) for path in FILES if path.stem in vague or path.stem.endswith(("_v2", "_new", "_old"))]
    assert not bad, "a name says what is inside"
