"""The theme: fonts that Gradio ships (no request leaves the server), ink as accent, our own stylesheet."""

from __future__ import annotations

import gradio as gr

from composer.config import ROOT
from composer.ui import palette

ASSETS = ROOT / "assets"
SCRIPTS = (
    "trouble.js",
    "address.js",
    "client.js",
    "fields.js",
    "map_view.js",
    "map_picture.js",
    "map.js",
    "results.js",
)
"""In this order: the first one stands around all requests."""


def theme() -> gr.themes.Base:
    """Gradio's variables for both themes; what they cannot say is in assets/style.css."""
    # only the regular and the bold files hold all letters
    base = gr.themes.Base(
        primary_hue="slate",
        neutral_hue="slate",
        font=(gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif"),
        font_mono=(gr.themes.LocalFont("IBM Plex Mono", weights=(400, 700)), "ui-monospace", "monospace"),
        radius_size=gr.themes.sizes.radius_md,
    )
    return base.set(
        body_background_fill="var(--ac-page)",
        body_background_fill_dark="var(--ac-page)",
        body_text_color="var(--ac-ink)",
        body_text_color_dark="var(--ac-ink)",
        body_text_color_subdued="var(--ac-soft)",
        body_text_color_subdued_dark="var(--ac-soft)",
        background_fill_primary="var(--ac-surface)",
        background_fill_primary_dark="var(--ac-surface)",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_border_width_dark="0px",
        block_shadow="none",
        block_info_text_color="var(--ac-soft)",
        block_info_text_color_dark="var(--ac-soft)",
        block_label_text_color="var(--ac-ink)",
        block_label_text_color_dark="var(--ac-ink)",
        block_title_text_color="var(--ac-ink)",
        block_title_text_color_dark="var(--ac-ink)",
        block_title_text_weight="600",
        border_color_primary="var(--ac-line)",
        border_color_primary_dark="var(--ac-line)",
        input_background_fill="var(--ac-field)",
        input_background_fill_dark="var(--ac-field)",
        input_border_color="var(--ac-line-strong)",
        input_border_color_dark="var(--ac-line-strong)",
        input_border_color_focus="var(--ac-focus)",
        input_border_color_focus_dark="var(--ac-focus)",
        input_placeholder_color="var(--ac-soft)",
        input_placeholder_color_dark="var(--ac-soft)",
        button_primary_background_fill="var(--ac-action)",
        button_primary_background_fill_dark="var(--ac-action)",
        button_primary_background_fill_hover="var(--ac-action-hover)",
        button_primary_background_fill_hover_dark="var(--ac-action-hover)",
        button_primary_text_color="var(--ac-on-action)",
        button_primary_text_color_dark="var(--ac-on-action)",
        button_secondary_background_fill="var(--ac-surface)",
        button_secondary_background_fill_dark="var(--ac-surface)",
        button_secondary_text_color="var(--ac-ink)",
        button_secondary_text_color_dark="var(--ac-ink)",
        button_secondary_border_color="var(--ac-line-strong)",
        button_secondary_border_color_dark="var(--ac-line-strong)",
        slider_color="var(--ac-action)",
        slider_color_dark="var(--ac-action)",
        checkbox_background_color_selected="var(--ac-action)",
        checkbox_background_color_selected_dark="var(--ac-action)",
        checkbox_border_color_selected="var(--ac-action)",
        checkbox_border_color_selected_dark="var(--ac-action)",
    )


def head() -> str:
    """Stylesheet and client scripts, all inline: the page asks nobody else for anything."""
    style = (ASSETS / "style.css").read_text(encoding="utf-8")
    scripts = [(ASSETS / name).read_text(encoding="utf-8") for name in SCRIPTS]
    return (
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{style}\n{palette.stylesheet()}</style>" + "".join(f"<script>{script}</script>" for script in scripts)
    )
