"""SQL: the only importer of sqlalchemy. Rows become frozen records in the function that reads them."""
