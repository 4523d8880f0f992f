"""The page ``marts report --html`` writes: every chart of ``sql/*/charts/``, in one file that opens offline.

It has no script, no font and no image: SVG that is drawn here, and styles for light, dark and paper.
"""
