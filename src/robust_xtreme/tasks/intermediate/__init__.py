"""Tasks that an encoder is trained on between its pretraining and its target; one file adds one."""
