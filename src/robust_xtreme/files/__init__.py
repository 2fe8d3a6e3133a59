"""How files are written and read: new files, run folders, frames, journals and caches."""
