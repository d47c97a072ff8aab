"""The web page: the only importer of gradio."""
