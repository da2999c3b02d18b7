"""Write contacts.csv: whom to call for what, parted by semicolons as many spreadsheets write it."""

from __future__ import annotations

import csv
from pathlib import Path

TARGET = Path(__file__).parent.parent / "contacts.csv"
HEADER = ("Area", "Matter", "Who", "Telephone", "When")
WEEK, ALWAYS = "working days, 8:00 to 17:00", "day and night"
CARETAKER = "working days, 8:00 to 10:00 and 16:00 to 18:00"

CONTACTS = {
    "House": [
        ("Caretaker", "Mr Okafor", "555 0141", CARETAKER),
        ("Emergencies outside the caretaker's hours", "Emergency service", "555 0199", ALWAYS),
        (
            "Administration",
            "Harbour Property Management",
            "555 0120",
            "Monday and Thursday, 9:00 to 12:00; Wednesday, 14:00 to 17:00",
        ),
        ("Chair of the board", "Ms Laurent", "555 0151", "evenings"),
        ("Minutes and votes", "Mr Haddad", "555 0152", "evenings"),
        ("Accounts of the association", "Ms Nowak", "555 0153", "evenings"),
        ("Vegetable garden", "Ms Nowak", "555 0153", "evenings"),
        ("Door and mailbox name plates", "Mr Okafor", "555 0141", "free of charge; allow a week"),
    ],
    "Lifts": [
        ("Lift stuck, persons trapped", "Tallis Lifts", "555 0160", ALWAYS),
        ("Lift lamp or button broken", "Tallis Lifts", "555 0160", WEEK),
    ],
    "Garage": [
        ("Garage gate", "Portcullis Gates", "555 0162", ALWAYS),
        ("Garage remote control lost", "Mr Okafor", "555 0141", CARETAKER),
        ("Charging points", "Volta Charging", "555 0163", ALWAYS),
        ("Towing", "Mill Lane Towing", "555 0164", ALWAYS),
    ],
    "Water": [
        ("Burst pipe", "Rivers Plumbing", "555 0166", ALWAYS),
        ("Blocked drain", "Rivers Plumbing", "555 0166", WEEK),
        ("Water meters", "Metrona", "555 0167", WEEK),
        ("Swimming pool technology", "Clearwater Pools", "555 0168", "May to September"),
    ],
    "Heating": [
        ("Heating cold", "City District Heating", "555 0170", ALWAYS),
        ("Radiator valve", "Rivers Plumbing", "555 0166", WEEK),
        ("Heating bill", "Harbour Property Management", "555 0120", "Thursday, 9:00 to 12:00"),
        ("Sauna stove", "Nordic Saunas", "555 0171", WEEK),
    ],
    "Electricity": [
        ("Power failure in the street", "City Grid", "555 0173", ALWAYS),
        ("Light in the stairwell", "Mr Okafor", "555 0141", CARETAKER),
        ("Doorbell and intercom", "Ringwood Electric", "555 0174", WEEK),
        ("Solar panels", "Ringwood Electric", "555 0174", WEEK),
    ],
    "Internet and television": [
        ("Internet, Meridian", "Meridian", "555 0176", ALWAYS),
        ("Internet, Citynet", "Citynet", "555 0177", WEEK),
        ("Television aerial", "Ringwood Electric", "555 0174", WEEK),
    ],
    "Fire": [
        ("Fire and rescue", "Fire service", "112", ALWAYS),
        ("Smoke alarm beeping", "Ember Fire Safety", "555 0180", WEEK),
        ("Fire extinguishers", "Ember Fire Safety", "555 0180", WEEK),
    ],
    "Outside": [
        ("Roof leaking", "Brandt Roofing", "555 0182", WEEK),
        ("Snow and ice", "Pine Garden Care", "555 0183", "from 6:00, on Sundays from 8:00"),
        ("Trees and hedges", "Pine Garden Care", "555 0183", WEEK),
        ("Broken window", "Clearview Glass", "555 0184", ALWAYS),
        ("Wasps and rats", "Gentle Pest Control", "555 0185", WEEK),
        ("Bulky waste", "Mr Okafor", "555 0141", "April and October"),
    ],
    "Keys": [
        ("Locked out", "Mill Lane Locksmith", "555 0187", ALWAYS),
        ("Replacement of a house key", "Harbour Property Management", "555 0120", "Monday, 9:00 to 12:00"),
    ],
}


def main() -> None:
    """Write the table beside this folder."""
    with TARGET.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, delimiter=";", lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows((area, *contact) for area, contacts in CONTACTS.items() for contact in contacts)


if __name__ == "__main__":
    main()
