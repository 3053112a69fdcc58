"""Reports: figures from one snapshot, a document in the reader's language, a spreadsheet and a page made of it."""
