"""Language models behind one small seam."""
