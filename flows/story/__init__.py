"""What happened on some footage, told afterwards: for notebooks and reports, outside any dataflow."""
