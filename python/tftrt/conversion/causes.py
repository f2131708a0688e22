"""The cause in a message of TensorFlow, without tracebacks and marks that only TensorFlow reads."""

from __future__ import annotations

import re

# cpp/src/tf/status_text.cc is the same in C++.
_FRAMES = re.compile(
    r'File ".*", line \d+|Traceback \(most recent call last\)|Original stack trace for '
    r"|.*defined at \(most recent call last\)"
)
_BOILERPLATE = re.compile(
    r"Graph execution error:$|in user code:$|Stack trace for op definition:|Node: '.*'$|\[\[\{\{node |Errors may have "
    r"originated from an input operation|0 successful operations\.|\d+ derived errors ignored\."
)
_MARK = "\t [["
_FUNCTION_MARK = re.compile(r"\{\{function_node [^}]*\}\} ?")
_NODE_MARK = re.compile(r"\{\{(node [^}]*)\}\}")


def cause_of(error: BaseException | str) -> str:
    """The message of an error in one line: the cause and the names of nodes stay.

    Args:
        error: An exception, of TensorFlow or another library, or its text.
    """
    message = error if isinstance(error, str) else str(getattr(error, "message", None) or error)
    kept: list[str] = []
    frames: int | None = None  # The indentation of frames; what is indented more belongs to them.
    for line in message.splitlines():
        content = line.strip()
        indentation = len(line) - len(line.lstrip())
        if _FRAMES.match(content):
            frames = indentation
        elif content and (frames is None or indentation <= frames):
            frames = None
            if not line.startswith(_MARK) and not _BOILERPLATE.match(content) and content not in kept[-1:]:
                kept.append(content)
    if not kept:  # Whatever it is, it is the cause.
        kept = [line.strip() for line in message.splitlines() if line.strip()][-1:]
    return _NODE_MARK.sub(r"\1", _FUNCTION_MARK.sub("", " ".join(kept)))
