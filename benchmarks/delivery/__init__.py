"""The delivery warehouse: a million orders from source to marts, and a day after a long history."""
