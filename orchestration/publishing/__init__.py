"""From the build file to what analysts open: the swap, going back, what changed, what is thrown away."""
