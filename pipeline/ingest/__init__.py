"""Stage `ingest`: read, check and keep every face of a source, from the outside in.

sources                    what `data.source` names, and what of it is read as what
containers: folder,        the files that a folder, a zip or a tar holds, unpacked by what they are
  archives, compressed,      packed with
  kinds
tables, faces_csv, rows,   CSV files of faces: which are read, taken apart, each row checked, its
  pixels, votes              pixels as bytes; FER+'s votes in place of labels
pictures, small_png        pictures to faces
classes, folders_or_list,  which expression and part a picture or row is of: by folders, names or a
  label_list, labels, parts  list
advice, unknown_classes,   what is said of what cannot be read, and how to go on
  passed_over
ingest, quality            from batches to the store; what is in it
recommend                  recipes for so many faces
"""
