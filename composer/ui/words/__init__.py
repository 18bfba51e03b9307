"""What the page says whoever asks: its standing text, the steps of the method, the glossary."""
