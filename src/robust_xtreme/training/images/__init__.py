"""Images with captions: files of pairs, drawn scenes, image towers, and the contrast between images and texts."""
