"""The assets of the delivery warehouse, a module a layer."""
