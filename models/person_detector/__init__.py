"""Person detector: SSD MobileNet v2 (COCO) finds persons and vehicles in a whole picture."""
