"""What runs on an answered call: the VoiceXML application, its speech, and the detection of who answered."""
