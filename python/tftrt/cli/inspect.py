"""``tftrt inspect``."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from .common import (
    SUCCESS,
    Subparsers,
    add_command,
    add_json_option,
    add_tags_option,
    console,
    count_of,
    describe_spec,
    dtype_name,
    given,
    print_json,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rich.console import Console

    from .._native import SavedModelInfo, SignatureSpec, TensorSpec

_EXAMPLES = """\
examples:
  tftrt inspect resnet50_trt
  tftrt inspect resnet50 --tag_set serve --json

Nothing of the model is run.
"""

_ENGINE_OP = "TRTEngineOp"
_MOST_OPS_SHOWN = 20
_MOST_CHARACTERS_SHOWN = 60


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(subparsers, "inspect", run, "show what a SavedModel holds", _EXAMPLES)
    parser.add_argument("model", help="SavedModel directory, converted or not")
    add_tags_option(parser)
    add_json_option(parser, "everything")


def run(args: argparse.Namespace) -> int:
    """Read the model and print what it holds."""
    import tftrt

    info = tftrt.inspect(args.model, **given(args, "tags"))
    manifest = json.loads(info.manifest) if info.manifest else None
    if args.json:
        print_json(_to_dict(args.model, info, manifest))
    else:
        _print(console(), args.model, info, manifest)
    return SUCCESS


def _to_dict(path: str, info: SavedModelInfo, manifest: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "path": path,
        "tag_sets": info.tag_sets,
        "tags": info.tags,
        "signatures": [
            {
                "name": signature.name,
                "inputs": [_spec_to_dict(spec) for spec in signature.inputs],
                "outputs": [_spec_to_dict(spec) for spec in signature.outputs],
                "unsupported": signature.unsupported,
                "unavailable": signature.unavailable,
            }
            for signature in info.signatures
        ],
        "engines": info.ops.get(_ENGINE_OP, 0),
        "ops": info.ops,
        "manifest": manifest,
    }


def _spec_to_dict(spec: TensorSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "dtype": dtype_name(spec.dtype),
        "shape": None if spec.shape is None else list(spec.shape),
        "default": None if spec.default is None else _plain(spec.default.tolist()),
    }


def _plain(value: Any) -> Any:
    """``value`` as JSON has it: bytes and complex numbers become texts."""
    if isinstance(value, list):
        return [_plain(element) for element in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return value if isinstance(value, (bool, int, float)) else str(value)


def _print(out: Console, path: str, info: SavedModelInfo, manifest: dict[str, Any] | None) -> None:
    out.print(path, style="bold", markup=False)
    out.print(f"tag sets: {'; '.join(','.join(tags) for tags in info.tag_sets)}", markup=False)
    for signature in info.signatures:
        _print_signature(out, signature)
    out.print()
    if manifest is None:
        engines = info.ops.get(_ENGINE_OP, 0)
        out.print(f"{count_of(engines, 'engine')}, converted by another tool" if engines else "not converted")
    else:
        _print_manifest(out, manifest)
    _print_ops(out, info.ops)


def _print_signature(out: Console, signature: SignatureSpec) -> None:
    out.print(f"\nsignature {signature.name}", style="bold", markup=False)
    if signature.unsupported:
        out.print(f"  cannot be called: {signature.unsupported}", style="yellow", markup=False)
    for title, specs in (("inputs", signature.inputs), ("outputs", signature.outputs)):
        for index, spec in enumerate(specs):
            default = "" if spec.default is None else f" = {_shown(spec.default)} if left out"
            out.print(f"  {'' if index else title:8}{spec.name}: {describe_spec(spec)}{default}", markup=False)
    for name, reason in signature.unavailable.items():
        out.print(f"  no call returns {name}: {reason}", style="yellow", markup=False)


def _shown(default: NDArray[Any]) -> str:
    text = " ".join(str(_plain(default.tolist())).split())
    return text if len(text) <= _MOST_CHARACTERS_SHOWN else f"{text[:_MOST_CHARACTERS_SHOWN]}..."


def _print_manifest(out: Console, manifest: dict[str, Any]) -> None:
    by = manifest.get("created_by", {})
    precision = manifest.get("conversion", {}).get("precision", "?")
    out.print(
        f"converted to {precision} by tftrt {by.get('tftrt', '?')} "
        f"with TensorFlow {by.get('tensorflow', '?')} at {manifest.get('created_at', '?')}",
        markup=False,
        soft_wrap=True,
    )
    coverage = manifest.get("coverage", {})
    for key, what in (("nodes", "nodes"), ("heavy_ops", "convolutions and matrix products")):
        share = coverage.get(key)
        if share:
            out.print(f"in engines: {share['converted']} of {share['total']} {what}", markup=False)
    build = manifest.get("build")
    if build:
        gpu = build.get("gpu", {})
        out.print(
            f"engines built for {gpu.get('name', '?')} (compute capability {gpu.get('compute_capability', '?')}) with "
            f"TensorRT {build.get('tensorrt', '?')} at {build.get('built_at', '?')}",
            markup=False,
            soft_wrap=True,
        )
    elif manifest.get("engines"):
        out.print("no engines built: tftrt build makes them, on the GPU that will run the model")
    engines = [
        (engine["name"], engine["precision"], engine["nodes"], ", ".join(engine["signatures"]), _plan(engine))
        for engine in manifest.get("engines", [])
    ]
    _print_table(out, ("engine", "precision", "nodes", "signatures", "built for"), engines)
    outside = [(op["op"], op["count"], op["reason"]) for op in manifest.get("outside", [])]
    _print_table(out, ("outside", "nodes", "reason"), outside)


def _plan(engine: dict[str, Any]) -> str:
    """The shapes that an engine takes, of its inputs in order."""
    plan = engine.get("plan") or {}
    ranges = [
        ", ".join(_range(least, most) for least, most in zip(profile["min"], profile["max"]))
        for profile in plan.get("profiles") or []
    ]
    fixed = [", ".join("x".join(map(str, shape)) for shape in shapes) for shapes in plan.get("shapes") or []]
    return "; ".join(ranges or fixed) or ("?" if plan else "nothing")


def _range(least: list[int], most: list[int]) -> str:
    return "x".join(str(low) if low == high else f"{low}..{high}" for low, high in zip(least, most)) or "scalar"


def _print_ops(out: Console, ops: dict[str, int]) -> None:
    rows = sorted(ops.items(), key=lambda item: (-item[1], item[0]))
    _print_table(out, ("op, functions included", "count"), rows[:_MOST_OPS_SHOWN])
    if len(rows) > _MOST_OPS_SHOWN:
        out.print(f"and {len(rows) - _MOST_OPS_SHOWN} other op types (--json shows all)")


def _print_table(out: Console, head: tuple[str, ...], rows: list[Any]) -> None:
    if not rows:
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for title in head:
        table.add_column(title, justify="right" if title in ("nodes", "count") else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    out.print()
    out.print(table)
