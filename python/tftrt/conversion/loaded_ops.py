"""The libraries with custom ops that this process has loaded."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

__all__ = ["loaded_op_libraries"]

_FRAMEWORK = "libtensorflow_framework.so.2"


def loaded_op_libraries() -> list[str]:
    """Paths of the libraries that ``tf.load_op_library`` has loaded, as packages such as tensorflow-text do."""
    # TensorFlow marks the Python module that it makes of such a library, and does not keep the path.
    if not any("_IS_TENSORFLOW_PLUGIN" in vars(module) for module in list(sys.modules.values()) if module is not None):
        return []
    own = [
        Path(module.__file__).parent
        for name in ("tensorflow", "tftrt")
        if (module := sys.modules.get(name)) and module.__file__
    ]
    mapped = {line.split(maxsplit=5)[5].strip() for line in _maps() if ".so" in line}
    return sorted(
        path for path in mapped if not any(folder in Path(path).parents for folder in own) and _needs_framework(path)
    )


def _maps() -> list[str]:
    return [line for line in Path("/proc/self/maps").read_text().splitlines() if "/" in line]


@cache
def _needs_framework(path: str) -> bool:
    try:
        with Path(path).open("rb") as file:
            section = ELFFile(file).get_section_by_name(".dynamic")
            if not isinstance(section, DynamicSection):
                return False
            needed = [tag.needed for tag in section.iter_tags("DT_NEEDED")]  # type: ignore[attr-defined]
            return _FRAMEWORK in needed
    except (OSError, ELFError):
        return False
