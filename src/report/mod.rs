//! Answers as table, JSON, CSV, Markdown.
