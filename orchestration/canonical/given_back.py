"""How what this program gives back to vendors is marked, so that it is known again when it comes back in their
exports."""

PREFIX = "c360_"
# The one key, or the collection, under which all is ours.
OURS = "c360"
