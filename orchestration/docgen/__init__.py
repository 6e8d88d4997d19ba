"""Pages and dbt sources that are written from declarations; `python -m orchestration.docgen.generate` writes them."""
