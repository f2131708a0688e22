"""Find faces with MTCNN's three networks, converted with TF-TRT and run through tftrt.Model.

    pip install ".[examples]"
    python examples/face_detection.py                                # the astronaut of scikit-image
    python examples/face_detection.py family.jpg --output faces.png

The first run exports and converts the networks, in a process of its own (mtcnn_networks.py). Detection itself is
numpy and tftrt.Model, imports no TensorFlow, and finds what ``mtcnn.MTCNN().detect_faces(image)`` finds.
"""

from __future__ import annotations

import argparse
import errno
import json
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from mtcnn_networks import converted, prepare
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

import tftrt

Floats = NDArray[np.float64]
Pixels = NDArray[np.uint8]

KEYPOINTS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")

# MTCNN's own settings
CELL = 12  # PNet looks at every CELL x CELL window, STRIDE pixels apart
STRIDE = 2
SMALLEST_FACE = 20
PYRAMID_FACTOR = 0.709

COLOUR = (118, 255, 3)


@dataclass
class Face:
    """A face in an image.

    Attributes:
        box: Left, top, width and height in pixels.
        keypoints: x and y of each of KEYPOINTS; left is the viewer's left.
        confidence: From 0 to 1.
    """

    box: list[int]
    keypoints: dict[str, list[int]]
    confidence: float


class FaceDetector:
    """MTCNN's cascade: PNet proposes boxes, RNet and ONet refine them, ONet adds the key points.

    Args:
        directory: What mtcnn_networks.prepare filled.
        device: ``"auto"``, ``"cpu"`` or ``"gpu:N"``.
    """

    def __init__(self, directory: Path, device: str = "auto") -> None:
        """Load the networks."""
        models = [tftrt.Model(path, device=device) for path in converted(directory).values()]
        self._pnet, self._rnet, self._onet = models
        self.device = self._pnet.info.device

    def detect(self, image: Pixels) -> list[Face]:
        """Find the faces in ``image``, uint8 [height, width, 3] in RGB, best first."""
        # Every call takes the image; from this array without a copy.
        shared = tftrt.empty(image.shape, np.uint8)
        shared[...] = image
        height, width, _ = image.shape

        boxes = self._propose(shared)
        if len(boxes) == 0:
            return []
        refined = self._rnet(image=shared, corners=relative_corners(boxes, height, width))
        boxes = adjust(boxes, refined["offsets"], refined["scores"])
        boxes = square(suppress(boxes[boxes[:, 4] > 0.7], 0.7))
        if len(boxes) == 0:
            return []
        final = self._onet(image=shared, corners=relative_corners(boxes, height, width))
        landmarks = place_landmarks(boxes, final["landmarks"])
        boxes = np.hstack([adjust(boxes, final["offsets"], final["scores"]), landmarks])
        boxes = suppress(boxes[boxes[:, 4] > 0.8], 0.7, of_smaller=True)
        boxes[:, :4] = np.clip(boxes[:, :4], 0, [width - 1, height - 1] * 2)
        return [make_face(row) for row in boxes]

    def _propose(self, image: Pixels) -> Floats:
        """PNet's boxes, from the image at every scale at which a face could be CELL pixels wide."""
        size = np.array(image.shape[:2])
        levels = round(np.log(size.min() / CELL) / -np.log(PYRAMID_FACTOR) - 1)
        found = [np.empty((0, 5))]
        for scale in CELL / SMALLEST_FACE * PYRAMID_FACTOR ** np.arange(levels):
            result = self._pnet(image=image, size=(size * scale).astype(np.int32))
            boxes = windows(result["offsets"], result["scores"], 0.6)
            boxes[:, :4] /= scale
            found.append(suppress(boxes, 0.5))
        return square(suppress(np.concatenate(found), 0.7))


# Boxes are rows of x1, y1, x2, y2, score and, after ONet, five x and five y of the key points.


def windows(offsets: NDArray[np.float32], scores: NDArray[np.float32], threshold: float) -> Floats:
    """Boxes of PNet's windows, offsets [rows, columns, 4] and scores [rows, columns], above the threshold."""
    rows, columns = np.nonzero(scores > threshold)
    corners = STRIDE * np.stack([columns, rows, columns, rows], axis=1) + [1, 1, CELL, CELL]
    moved = corners + (CELL - 1) * offsets[rows, columns].astype(np.float64)
    return np.column_stack([moved, scores[rows, columns]])


def suppress(boxes: Floats, threshold: float, *, of_smaller: bool = False) -> Floats:
    """Sort by score and drop each box that overlaps a better one by more than ``threshold`` of their union.

    Or, as MTCNN wants it at the end, of the smaller of the two. Unlike in the usual algorithm, a dropped box still
    drops others: that, too, is MTCNN's.
    """
    boxes = boxes[np.argsort(boxes[:, 4])[::-1]]
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:4], boxes[None, :, 2:4])
    shared = np.prod(np.maximum(high - low, 0), axis=-1)
    area = np.prod(boxes[:, 2:4] - boxes[:, :2], axis=-1)
    whole = np.minimum(area[:, None], area) if of_smaller else area[:, None] + area - shared
    kept: Floats = boxes[~np.triu(shared > threshold * whole, k=1).any(axis=0)]
    return kept


def square(boxes: Floats) -> Floats:
    """Widen or heighten boxes to squares around their centres."""
    size = boxes[:, 2:4] - boxes[:, :2]
    side = size.max(axis=1, keepdims=True)
    corner = boxes[:, :2] + (size - side) / 2
    return np.hstack([corner, corner + side, boxes[:, 4:]])


def adjust(boxes: Floats, offsets: NDArray[np.float32], scores: NDArray[np.float32]) -> Floats:
    """Move the sides by a network's offsets, which are relative to the box, and take its scores."""
    size = boxes[:, 2:4] - boxes[:, :2] + 1
    return np.column_stack([boxes[:, :4] + offsets * np.tile(size, 2), scores])


def place_landmarks(boxes: Floats, landmarks: NDArray[np.float32]) -> Floats:
    """ONet's key points, five x and five y relative to the box, in pixels."""
    size = boxes[:, 2:4] - boxes[:, :2] + 1
    points: Floats = landmarks * np.repeat(size, 5, axis=1) + np.repeat(boxes[:, :2], 5, axis=1) - 1
    return points


def relative_corners(boxes: Floats, height: int, width: int) -> NDArray[np.float32]:
    """y1, x1, y2, x2 as parts of the image, as crop_and_resize takes them."""
    return (boxes[:, [1, 0, 3, 2]] / [height, width, height, width]).astype(np.float32)


def make_face(row: Floats) -> Face:
    """The result for one row, in whole pixels."""
    box = np.concatenate([row[:2], row[2:4] - row[:2]])
    points = row[5:].reshape(2, 5).T.round().astype(int).tolist()
    return Face(box.round().astype(int).tolist(), dict(zip(KEYPOINTS, points)), float(row[4]))


# The program


def read_image(path: Path | None) -> Pixels:
    """The image as RGB, upright; without a path, scikit-image's astronaut."""
    if path is None:
        from skimage.data import astronaut

        return np.asarray(astronaut())  # type: ignore[no-untyped-call]
    with Image.open(path) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def draw(image: Pixels, faces: list[Face]) -> Image.Image:
    """The image with box, key points and confidence of each face."""
    picture = Image.fromarray(image)
    # Pillow's shapes have hard edges: draw them larger, then scale down.
    zoom = 4
    layer = Image.new("RGBA", (zoom * picture.width, zoom * picture.height), (*COLOUR, 0))
    pen = ImageDraw.Draw(layer)
    line = zoom * max(2, min(picture.size) // 200)
    font = ImageFont.load_default(size=7 * line)
    for face in faces:
        left, top, width, height = (zoom * value for value in face.box)
        pen.rounded_rectangle((left, top, left + width, top + height), 3 * line, outline=COLOUR, width=line)
        for x, y in face.keypoints.values():
            spot = [zoom * value + radius for radius in (-2 * line, 2 * line) for value in (x, y)]
            pen.ellipse(spot, fill=COLOUR, outline="black", width=line // 2)
        label = f"{face.confidence:.1%}"
        words = pen.textbbox((left + 2 * line, max(top - 3 * line, 9 * line)), label, font=font, anchor="ls")
        area = (left, words[1] - 2 * line, words[2] + 2 * line, words[3] + 2 * line)
        pen.rounded_rectangle(area, 2 * line, fill=COLOUR)
        pen.text((words[0], words[3]), label, fill="black", font=font, anchor="ls")
    picture.paste(layer.convert("RGB").resize(picture.size), mask=layer.getchannel("A").resize(picture.size))
    return picture


def run(args: argparse.Namespace) -> None:
    """Prepare the networks where needed, find the faces, print and draw them."""
    image = read_image(args.image)
    if not args.output.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "no such folder", str(args.output.parent))
    begin = time.perf_counter()
    if not all(path.exists() for path in converted(args.work_dir).values()):
        if not args.json:
            print(f"exporting and converting mtcnn's networks into {args.work_dir}", flush=True)
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as tensorflow:
            tensorflow.submit(prepare, args.work_dir).result()
    seconds = {"prepare": time.perf_counter() - begin}

    detector = FaceDetector(args.work_dir, args.device)
    for call in ("first", "next"):
        begin = time.perf_counter()
        faces = detector.detect(image)
        seconds[call] = time.perf_counter() - begin
    draw(image, faces).save(args.output, "PNG", optimize=True)

    if args.json:
        result = {"faces": [asdict(face) for face in faces], "device": detector.device, "seconds": seconds}
        print(json.dumps({**result, "output": str(args.output)}, indent=2))
        return
    times = f"first call {seconds['first'] * 1e3:.0f} ms, next {seconds['next'] * 1e3:.0f} ms"
    print(f"{len(faces)} face{'' if len(faces) == 1 else 's'} on {detector.device}; {times}")
    for face in faces:
        left, top, width, height = face.box
        print(f"  {face.confidence:.2%}: {width} x {height} at ({left}, {top})")
        for name, (x, y) in face.keypoints.items():
            print(f"    {name.replace('_', ' '):12} ({x}, {y})")
    print(f"drawn in {args.output}")


def main() -> int:
    """Parse the command line; one line for what goes wrong."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser = argparse.ArgumentParser(
        description="Find faces with MTCNN's networks, converted with TF-TRT and run by tftrt.",
        epilog="The first run takes some seconds more: it exports and converts the networks.",
    )
    parser.add_argument(
        "image", nargs="?", type=Path, metavar="IMAGE", help="a photo (default: scikit-image's astronaut)"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("face.png"),
        metavar="PNG",
        help="the picture to write (default: %(default)s)",
    )
    parser.add_argument(
        "--work-dir",
        type=Path,
        default=cache / "tftrt" / f"face_detection-{tftrt.__version__}",
        metavar="DIR",
        help="where the networks are kept (default: %(default)s)",
    )
    parser.add_argument(
        "--device", default="auto", metavar="auto|cpu|gpu:N", help="where they run (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    args = parser.parse_args()
    try:
        run(args)
    except OSError as error:
        return fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except tftrt.Error as error:
        return fail(str(error))
    return 0


def fail(reason: str) -> int:
    """Say why, in one line; the exit code."""
    print(f"error: {' '.join(reason.split())}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
