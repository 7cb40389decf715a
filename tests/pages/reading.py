"""What a page that was drawn without a browser says and shows."""

import json
from typing import Any

import pandas as pd
from streamlit.testing.v1 import AppTest


def as_markdown(at: AppTest) -> str:
    """Everything that Streamlit reads as Markdown, as it was handed over."""
    parts = [*at.markdown, *at.caption, *at.header, *at.subheader, *at.warning, *at.error, *at.info, *at.success]
    return "\n".join(str(part.value) for part in parts)


def said(at: AppTest) -> str:
    """Everything that the page says, as it is read: plain texts, and Markdown without its escapes."""
    return "\n".join([*(str(text.value) for text in at.text), as_markdown(at)]).replace("\\", "")


def metric(at: AppTest, label: str) -> str:
    """The value under that label."""
    return next(str(one.value) for one in at.metric if one.label == label)


def table(at: AppTest, column: str) -> pd.DataFrame:
    """The first table that has this column."""
    return next(one.value for one in at.dataframe if column in one.value.columns)


def wall(at: AppTest) -> list[dict[str, Any]]:
    """The rows of the overview, one for each class, in the order shown."""
    rows: list[dict[str, Any]] = component(at, "wall")["rows"]
    return rows


def figures(at: AppTest) -> list[dict[str, Any]]:
    """The Plotly figures in the order of the page."""
    return [json.loads(one.proto.spec) for one in at.get("plotly_chart")]


def figures_by_key(at: AppTest) -> dict[str, dict[str, Any]]:
    """The Plotly figures by the end of their key."""
    return {one.proto.id.split("-")[-1]: json.loads(one.proto.spec) for one in at.get("plotly_chart")}


def component(at: AppTest, key: str) -> dict[str, Any]:
    """What the custom component with this key shows."""
    return next(found for name, found in components(at).items() if name == key)


def components(at: AppTest) -> dict[str, dict[str, Any]]:
    """What each custom component shows, by its key."""
    return {one.proto.id.split("-")[-1]: json.loads(one.proto.json) for one in at.get("bidi_component")}
