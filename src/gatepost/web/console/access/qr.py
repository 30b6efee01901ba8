# SPDX-License-Identifier: Apache-2.0
"""QR codes as SVG elements of a page: no picture is loaded, no style stands in it."""

from markupsafe import Markup

_BORDER = 3


def drawn(text: str, label: str) -> Markup:
    """Draw a text as a QR code (ISO/IEC 18004) with a label for who cannot see it."""
    import segno

    rows = [list(row) for row in segno.make(text, error="m", micro=False).matrix]
    side = len(rows) + 2 * _BORDER
    path = "".join(
        f"M{column + _BORDER} {line + _BORDER}h1v1h-1z" for line, row in enumerate(rows) for column, dark in enumerate(row) if dark
    )
    return Markup(
        '<svg class="gp-qr" role="img" aria-label="{}" viewBox="0 0 {} {}" xmlns="http://www.w3.org/2000/svg">'
        '<rect width="100%" height="100%" fill="#fff"/><path d="{}" fill="#000"/></svg>'
    ).format(label, side, side, path)
