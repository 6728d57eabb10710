"""A grid's report as one HTML page, in the style of the study's."""

from importlib.resources import files

import jinja2
from markupsafe import Markup

from pipeline.report.embedding import embed

_TEMPLATE = """<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{ title }}</title>
<link rel="icon" href="data:,">
<style>
{{ style }}
table { font-variant-numeric: tabular-nums; }
</style>
</head>
<body>
<main>
<h1>{{ title }}</h1>
<figure class="single">
<img src="{{ picture.address }}" width="{{ picture.width }}" height="{{ picture.height }}" \
alt="Each arm's figures, a dot a seed; the numbers are in the tables below.">
</figure>
{% for kind, content in blocks %}
{% if kind == "table" %}
<div class="wide"><table>
<thead><tr>{% for cell in content[0] %}<th scope="col">{{ cell }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in content[1:] %}
<tr><th scope="row">{{ row[0] }}</th>{% for cell in row[1:] %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
</tbody>
</table></div>
{% else %}
<p>{{ content }}</p>
{% endif %}
{% endfor %}
</main>
</body>
</html>
"""


def render(markdown: str, svg: str) -> str:
    """Make the page: the same tables and picture give the same bytes.

    Args:
        markdown: as `summary.write_markdown` writes it: a title, sentences and tables.
        svg: the figure.
    """
    title, *rest = markdown.split("\n\n")
    blocks = [_block(part) for part in rest if part.strip()]
    style = files("pipeline.report").joinpath("style.css").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_TEMPLATE).render(
        title=title.removeprefix("# "),
        blocks=blocks,
        picture=embed(svg),
        style=Markup(style),  # noqa: S704 (our own file)
    )


def _block(text: str) -> tuple[str, object]:
    if not text.startswith("|"):
        return "text", text.replace("`", "")
    lines = [line for line in text.strip().splitlines() if not line.startswith("|---")]
    return "table", [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
