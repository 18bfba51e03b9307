"""The page. gradio and plotly live only here."""
