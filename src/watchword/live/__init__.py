"""The live core: who follows what on this node, and who sees which change."""
