# SPDX-License-Identifier: PostgreSQL
"""Line charts as one SVG file, without a library."""

from html import escape

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 420, 190, 58, 34, 26
COLORS = ("#2563eb", "#d97706")


def ticks(most):
    """Round numbers from 0 to at least `most`, at most five."""
    step = 10.0 ** -6
    while True:
        for factor in (1, 2, 5):
            if most <= 4 * step * factor:
                return [step * factor * n for n in range(int(most / (step * factor) + 0.999999) + 1)]
        step *= 10


def panel(x, y, title, unit, minutes, lines):
    """lines: name and values, one for each of `minutes`; None is a gap."""
    heights = ticks(max((v for _, values in lines for v in values if v is not None), default=0) or 1)
    inner_width, inner_height = WIDTH - LEFT - 16, HEIGHT - TOP - BOTTOM
    last = max(minutes[-1], 1e-9)
    out = [f'<g transform="translate({x},{y})"><text x="{LEFT}" y="16" class="title">{escape(title)}</text>']
    for height in heights:
        level = TOP + inner_height * (1 - height / heights[-1])
        out.append(f'<line x1="{LEFT}" x2="{LEFT + inner_width}" y1="{level:.1f}" y2="{level:.1f}" class="grid"/>'
                   f'<text x="{LEFT - 6}" y="{level + 4:.1f}" text-anchor="end">{height:g}{escape(unit)}</text>')
    for minute in ticks(last):
        if minute <= last:
            out.append(f'<text x="{LEFT + inner_width * minute / last:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{minute:g} min</text>')
    for (name, values), color in zip(lines, COLORS):
        points, pen = [], "M"
        for minute, value in zip(minutes, values):
            if value is None:
                pen = "M"
                continue
            points.append(f"{pen}{LEFT + inner_width * minute / last:.1f},{TOP + inner_height * (1 - value / heights[-1]):.1f}")
            pen = "L"
        out.append(f'<path d="{" ".join(points)}" stroke="{color}"/>')
        if len(lines) > 1:
            at = LEFT + 150 * [line for line, _ in lines].index(name)
            out.append(f'<text x="{at}" y="29" fill="{color}" class="name">{escape(name)}</text>')
    return "".join(out) + "</g>"


def chart(minutes, panels):
    """panels: title, unit and lines of each; two beside each other."""
    rows = (len(panels) + 1) // 2
    drawn = "".join(panel(WIDTH * (n % 2), HEIGHT * (n // 2), title, unit, minutes, lines) for n, (title, unit, lines) in enumerate(panels))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {HEIGHT * rows}" font-family="sans-serif" font-size="10" fill="#555">'
            '<style>.title{font-size:13px;font-weight:600;fill:#222}.grid{stroke:#ddd}path{fill:none;stroke-width:1.4}</style>'
            f'<rect width="100%" height="100%" fill="#fff"/>{drawn}</svg>\n')
