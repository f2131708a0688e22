"""examples/face_detection.py: it finds what mtcnn finds."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

pytestmark = pytest.mark.skipif(sys.version_info < (3, 10), reason="mtcnn 1.0.0 needs Python 3.10")

EXAMPLE = Path(__file__).parents[2] / "examples" / "face_detection.py"
IMAGES = ("astronaut", "pair", "grey")

MTCNN = """
import json, sys
import numpy as np
from mtcnn import MTCNN
from PIL import Image

detector = MTCNN()
for path in sys.argv[1:]:
    faces = detector.detect_faces(np.asarray(Image.open(path)))
    print(json.dumps(faces, default=lambda number: number.item()))
"""

DETECTOR = """
import dataclasses, json, sys
from pathlib import Path
import numpy as np
from face_detection import FaceDetector
from PIL import Image

detector = FaceDetector(Path(sys.argv[1]))
for path in sys.argv[2:]:
    faces = detector.detect(np.asarray(Image.open(path)))
    print(json.dumps([dataclasses.asdict(face) for face in faces]))
assert "tensorflow" not in sys.modules
"""

Faces = list[dict[str, Any]]


def run_example(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLE), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@dataclass
class Run:
    process: subprocess.CompletedProcess[str]
    work_dir: Path
    output: Path


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("face_detection")
    work_dir, output = folder / "networks", folder / "face.png"
    process = run_example("--device", "cpu", "--work-dir", work_dir, "--output", output, "--json")
    assert process.returncode == 0, process.stderr
    return Run(process, work_dir, output)


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    """One face, two of different sizes, none; of sizes that no pyramid level divides."""
    one = astronaut()
    pair = Image.new("RGB", (701, 431), "navy")
    pair.paste(Image.fromarray(one[:300, 60:400]), (11, 7))
    pair.paste(Image.fromarray(one[:300, 340:60:-1]).resize((190, 203)), (450, 120))
    pictures = [Image.fromarray(one), pair, Image.new("RGB", (97, 64), "grey")]
    paths = [tmp_path / f"{name}.png" for name in IMAGES]
    for picture, path in zip(pictures, paths):
        picture.save(path)
    return paths


def check_equal(found: Faces, expected: Faces) -> None:
    assert [face["box"] for face in found] == [face["box"] for face in expected]
    assert [face["keypoints"] for face in found] == [face["keypoints"] for face in expected]
    np.testing.assert_allclose(
        [face["confidence"] for face in found], [face["confidence"] for face in expected], rtol=0, atol=1e-5
    )


def test_it_finds_what_mtcnn_finds_without_importing_tensorflow(
    first_run: Run, images: list[Path], python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    output = python(MTCNN, *images, TF_CPP_MIN_LOG_LEVEL="3").stdout
    expected = [json.loads(line) for line in output.splitlines()]
    assert [len(faces) for faces in expected] == [1, 2, 0]
    assert expected[0][0]["box"] == [182, 64, 83, 107]

    check_equal(json.loads(first_run.process.stdout)["faces"], expected[0])
    output = python(DETECTOR, first_run.work_dir, *images, PYTHONPATH=str(EXAMPLE.parent)).stdout
    for found, wanted in zip(map(json.loads, output.splitlines()), expected):
        check_equal(found, wanted)


def test_the_terminal_stays_quiet(first_run: Run) -> None:
    assert first_run.process.stderr == ""


def test_the_picture_shows_the_face(first_run: Run) -> None:
    (face,) = json.loads(first_run.process.stdout)["faces"]
    original = astronaut()
    picture = np.asarray(Image.open(first_run.output))
    assert picture.shape == original.shape
    changed = (picture != original).any(axis=-1)

    left, top, width, height = face["box"]
    middle = slice(left + 10, left + width - 10), slice(top + 10, top + height - 10)
    for side in (
        changed[top, middle[0]],
        changed[top + height - 1, middle[0]],
        changed[middle[1], left],
        changed[middle[1], left + width - 1],
    ):
        assert side.all()
    for x, y in face["keypoints"].values():
        assert changed[y, x]
    assert not changed[top + height + 5 :].any()
    assert not changed[:, left + width + 5 :].any()


def test_a_later_run_uses_the_networks_that_are_there(first_run: Run, images: list[Path], tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in first_run.work_dir.rglob("*")}
    process = run_example(images[1], "--work-dir", first_run.work_dir, "--output", tmp_path / "faces.png")
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("2 faces on ")
    assert {path: path.stat().st_mtime_ns for path in first_run.work_dir.rglob("*")} == before


@pytest.mark.parametrize("what", ["missing", "not_an_image", "unknown_device", "no_folder"])
def test_an_error_is_one_line(first_run: Run, images: list[Path], tmp_path: Path, what: str) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no pixels")
    arguments: list[object] = {
        "missing": [tmp_path / "nobody.jpg"],
        "not_an_image": [text],
        "unknown_device": [images[2], "--device", "tpu"],
        "no_folder": [images[2], "--output", tmp_path / "nowhere" / "face.png"],
    }[what]
    named = {"missing": "nobody.jpg", "not_an_image": "notes.txt", "unknown_device": "tpu", "no_folder": "nowhere"}
    process = run_example("--output", tmp_path / "face.png", "--work-dir", first_run.work_dir, *arguments)
    assert (process.returncode, process.stdout) == (1, "")
    assert process.stderr.startswith("error: ")
    assert process.stderr.count("\n") == 1
    assert named[what] in process.stderr
