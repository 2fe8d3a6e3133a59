"""The augmenters of nlpaug 1.1 (MIT licence) as perturbations.

nlpaug splits texts at every character that `\\w` does not match, which splits words of scripts with combining marks,
and puts additional white space between the parts. It is given our words instead (`_aug`), so that the rest of the
text does not change. Languages whose letters need combining marks are refused.
"""

from typing import Final

MEMBERS: Final = {"_aug": ("keyboard", "ocr", "random")}
