"""Detector for streets: person-vehicle-bike-detection-2000 finds persons, motor vehicles and bikes."""
