"""Images with captions: files of pairs, image towers, and the contrast between images and texts."""
