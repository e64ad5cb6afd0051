"""SSD MobileNet v2, COCO: persons and vehicles in a whole picture."""
