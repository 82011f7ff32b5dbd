; The installer for Windows, for one user, without asking for the rights of an administrator.
;
;   makensis -DVERSION=0.2.0 -DFILES=folder -DOUT=ShuffleScope-0.2.0-setup.exe packaging/windows/installer.nsi
;
; FILES holds shufflescope.exe, shufflescope-window.exe, licences.txt, LICENSE-MIT and LICENSE-APACHE. Works on Linux too.

Unicode true
SetCompressor /SOLID lzma
!include "MUI2.nsh"

Name "ShuffleScope ${VERSION}"
OutFile "${OUT}"
InstallDir "$LOCALAPPDATA\Programs\ShuffleScope"
InstallDirRegKey HKCU "Software\ShuffleScope" "InstallDir"
RequestExecutionLevel user

!define MUI_ICON "shufflescope.ico"
!define MUI_UNICON "shufflescope.ico"
!define MUI_FINISHPAGE_RUN "$INSTDIR\shufflescope-window.exe"
!insertmacro MUI_PAGE_LICENSE "${FILES}/LICENSE-MIT"
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

!define UNINSTALL "Software\Microsoft\Windows\CurrentVersion\Uninstall\ShuffleScope"
!define DESIGN "ShuffleScope.Design"

Section
  SetOutPath "$INSTDIR"
  ; The command line and the worker; and what opens its window without a console.
  File "${FILES}/shufflescope.exe"
  File "${FILES}/shufflescope-window.exe"
  File "${FILES}/licences.txt"
  File "${FILES}/LICENSE-MIT"
  File "${FILES}/LICENSE-APACHE"
  File "shufflescope.ico"
  CreateShortcut "$SMPROGRAMS\ShuffleScope.lnk" "$INSTDIR\shufflescope-window.exe" "" "$INSTDIR\shufflescope.ico"

  ; Offered for TOML files, taken by default for those that are designs by name. PATH is left alone.
  WriteRegStr HKCU "Software\Classes\${DESIGN}" "" "ShuffleScope design"
  WriteRegStr HKCU "Software\Classes\${DESIGN}\DefaultIcon" "" "$INSTDIR\shufflescope.ico"
  WriteRegStr HKCU "Software\Classes\${DESIGN}\shell\open\command" "" '"$INSTDIR\shufflescope-window.exe" "%1"'
  WriteRegStr HKCU "Software\Classes\.toml\OpenWithProgids" "${DESIGN}" ""
  WriteRegStr HKCU "Software\Microsoft\Windows\CurrentVersion\App Paths\shufflescope.exe" "" "$INSTDIR\shufflescope.exe"

  WriteRegStr HKCU "Software\ShuffleScope" "InstallDir" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayName" "ShuffleScope"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayIcon" "$INSTDIR\shufflescope.ico"
  WriteRegStr HKCU "${UNINSTALL}" "Publisher" "The ShuffleScope developers"
  WriteRegStr HKCU "${UNINSTALL}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegDWORD HKCU "${UNINSTALL}" "NoModify" 1
  WriteRegDWORD HKCU "${UNINSTALL}" "NoRepair" 1
  WriteUninstaller "$INSTDIR\uninstall.exe"
SectionEnd

; The user's designs, results and settings lie elsewhere and stay.
Section "Uninstall"
  Delete "$INSTDIR\shufflescope.exe"
  Delete "$INSTDIR\shufflescope-window.exe"
  Delete "$INSTDIR\licences.txt"
  Delete "$INSTDIR\LICENSE-MIT"
  Delete "$INSTDIR\LICENSE-APACHE"
  Delete "$INSTDIR\shufflescope.ico"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  Delete "$SMPROGRAMS\ShuffleScope.lnk"
  DeleteRegKey HKCU "Software\Classes\${DESIGN}"
  DeleteRegValue HKCU "Software\Classes\.toml\OpenWithProgids" "${DESIGN}"
  DeleteRegKey HKCU "Software\Microsoft\Windows\CurrentVersion\App Paths\shufflescope.exe"
  DeleteRegKey HKCU "${UNINSTALL}"
  DeleteRegKey HKCU "Software\ShuffleScope"
SectionEnd
