"""Run the notebooks and write them, outputs and all, as Markdown pages into docs/notebooks (`make notebooks`)."""

from __future__ import annotations

import base64
import io
import os
import re
import shutil
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbconvert import MarkdownExporter
from PIL import Image

import inkling as ik

HERE = Path(__file__).resolve().parent
PAGES = HERE.parent / "docs" / "notebooks"
COLOURS = 64
"""A picture of a network needs few colours, and is a fifth of the size with them."""


def main() -> None:
    """Render them all."""
    shutil.rmtree(PAGES, ignore_errors=True)
    PAGES.mkdir(parents=True)
    for path in sorted(HERE.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        NotebookClient(notebook, timeout=1200, resources={"metadata": {"path": str(HERE)}}).execute()
        for cell in notebook.cells:
            if "outputs" in cell:
                cell.outputs = joined(cell.outputs)
            for output in cell.get("outputs", ()):
                shrink(output.get("data", {}))
        page, resources = MarkdownExporter().from_notebook_node(notebook)
        for name, content in resources["outputs"].items():
            page = page.replace(name, f"{path.stem}/{name}")
            picture = PAGES / path.stem / name
            picture.parent.mkdir(exist_ok=True)
            picture.write_bytes(content)
        # What the runner's folders are called is nobody's business.
        for place, name in (
            (os.environ.get("INKLING_DATA"), "mnist"),
            (str(HERE.parent), "."),
            (str(Path.home()), "~"),
        ):
            page = page.replace(place, name) if place else page
        page = described(re.sub(r"\n{3,}", "\n\n", page))
        (PAGES / f"{path.stem}.md").write_text(page.rstrip() + "\n", encoding="utf-8")
        print(f"docs/notebooks/{path.stem}.md")


def joined(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """The outputs with what was printed in one piece: a busy machine hands it over in several."""
    whole: list[nbformat.NotebookNode] = []
    for output in outputs:
        if whole and output.output_type == whole[-1].output_type == "stream" and output.name == whole[-1].name:
            whole[-1].text += output.text
        else:
            whole.append(output)
    return whole


def described(page: str) -> str:
    """The page with words for those who don't see its pictures: what the function draws, or the heading above."""

    def words(picture: re.Match[str]) -> str:
        above = page[: picture.start()]
        drawn = re.findall(r"ik\.figures\.(\w+)\(", above.rpartition("```python")[2])
        if drawn:
            said = (getattr(ik.figures, drawn[-1]).__doc__ or "").split("\n\n")[0]
        else:
            said = "Picture: " + re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", above, flags=re.S), re.M)[-1]
        return f"![{' '.join(re.sub('[`$*]', '', said).split())}]"

    return re.sub(r"!\[(?:png|svg)?\](?=\()", words, page)


def shrink(data: dict[str, str]) -> None:
    """Repaint an output's PNG with a few colours, in place."""
    if "image/png" in data:
        picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("RGB")
        small = io.BytesIO()
        picture.quantize(COLOURS, dither=Image.Dither.NONE).save(small, format="png", optimize=True)
        data["image/png"] = base64.b64encode(small.getvalue()).decode()


if __name__ == "__main__":
    main()
