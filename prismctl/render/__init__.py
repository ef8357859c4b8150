"""A recorded program for people and for tools: tree, plan, Markdown and diagram."""
