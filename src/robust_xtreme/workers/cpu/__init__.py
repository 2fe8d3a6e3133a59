"""Workers: task runs computed in other processes, which import no torch; this one feeds the device and keeps order."""
