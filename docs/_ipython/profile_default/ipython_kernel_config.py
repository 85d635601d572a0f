"""How the cells of the book show their pictures: drawn into the page, fine enough for a projector."""

c = get_config()  # type: ignore[name-defined]  # noqa: F821
c.InteractiveShellApp.matplotlib = "inline"
c.InlineBackend.figure_formats = {"retina"}
c.HistoryManager.enabled = False
