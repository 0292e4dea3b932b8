#!/bin/sh
# The first lines of all commits since a tag.
git log --format='%s' "$1"..HEAD
