"""What every other package uses: texts and edits, specs, languages, packs, the registry, errors."""
