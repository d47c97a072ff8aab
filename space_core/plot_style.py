"""What all plots look like: colours, dashes, and an empty figure to draw into."""

import plotly.graph_objects as go

BEFORE, AFTER, BOUND = "#7c8798", "#0d9488", "#c2570c"
LINES = ("#0d9488", "#c2570c", "#6366f1", "#be185d", "#7c8798", "#a16207")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "2px,6px")
_GRID = "rgba(128, 136, 150, 0.25)"


def figure_of(x: str, y: str) -> go.Figure:
    """An empty figure with these names of its axes."""
    axis = {"gridcolor": _GRID, "linecolor": _GRID, "zeroline": False, "fixedrange": True}
    return go.Figure(layout={
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": "#5b6472", "size": 12, "family": "system-ui, sans-serif"},
        "margin": {"l": 8, "r": 8, "t": 36, "b": 8}, "height": 340, "autosize": True,
        "legend": {"orientation": "h", "x": 0, "y": -0.28, "yanchor": "top"},
        "xaxis": {"title": {"text": x}, "automargin": True, **axis},
        "yaxis": {"title": {"text": y}, "automargin": True, **axis},
    })
