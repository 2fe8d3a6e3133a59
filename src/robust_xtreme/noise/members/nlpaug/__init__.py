"""The augmenters of nlpaug 1.1 (MIT licence) as perturbations, one file each.

nlpaug splits texts at every character that `\\w` does not match, which tears words of scripts with combining marks
apart, and puts white space of its own around what it splits. It is given our words instead (`_library`): so all that
is outside of what it changes stays as it is, and languages whose letters need combining marks are refused.
"""
